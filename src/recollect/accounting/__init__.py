"""What exchanges take: counted as they pass, added up by day, and held within budgets."""

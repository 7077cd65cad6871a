"""Test doubles and conformance suites, public: what we test with, users can test with."""

"""Python clients: the OpenAI SDK with memory."""

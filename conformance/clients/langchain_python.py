# /// script
# requires-python = ">=3.11"
# dependencies = ["langchain-openai"]
# ///
"""LangChain: both of OpenAI's interfaces, whole and in a stream, and embeddings."""

import os

from langchain_openai import ChatOpenAI, OpenAIEmbeddings

EXPECTED = os.environ["EXPECTED"]
for is_responses in (False, True):
    model = ChatOpenAI(model="gpt-4o-mini", use_responses_api=is_responses)
    assert EXPECTED in str(model.invoke("hi").content)
    assert len(list(model.stream("hi"))) > 2
assert len(OpenAIEmbeddings(check_embedding_ctx_length=False).embed_documents(["a", "b"])) == 2

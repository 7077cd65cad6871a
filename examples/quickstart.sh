#!/bin/sh
# The gateway with curl.
set -eu
url="${RECOLLECT_BASE_URL:-http://127.0.0.1:8000/v1}"
key="${RECOLLECT_API_KEY:-unused}"
model="${MODEL:-recollect/recall}"

say() {
  curl --silent --show-error --fail "$url/chat/completions" \
    -H "Authorization: Bearer $key" \
    -H "Content-Type: application/json" \
    -H "X-Memory-User: quickstart-curl" \
    -H "X-Memory-Session: $2" \
    -d "{\"model\": \"$model\", \"messages\": [{\"role\": \"user\", \"content\": \"$1\"}]}"
  echo
}

say "My name is Alice and I love hiking" monday
say "What are my hobbies?" tuesday

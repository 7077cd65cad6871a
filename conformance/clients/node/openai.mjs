// OpenAI for Node: chat, a stream, responses, embeddings.
import assert from 'node:assert';
import OpenAI from 'openai';

const { EXPECTED } = process.env;
const client = new OpenAI();
const asked = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] };

const { data, request_id: requestId } = await client.chat.completions.create(asked).withResponse();
assert.equal(data.choices[0].message.content, EXPECTED);
assert.ok(requestId);
let text = '';
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? '';
}
assert.equal(text, EXPECTED);
const final = await client.responses.stream({ model: 'gpt-4o-mini', input: 'hi' }).finalResponse();
assert.equal(final.output_text, EXPECTED);
assert.ok((await client.embeddings.create({ model: 'text-embedding-3-small', input: 'a' })).data[0].embedding.length);

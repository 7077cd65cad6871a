// LangChain for JavaScript: both interfaces, whole and in a stream.
import assert from 'node:assert';
import { ChatOpenAI } from '@langchain/openai';

const { EXPECTED, OPENAI_BASE_URL: baseURL } = process.env;
for (const useResponsesApi of [false, true]) {
  const model = new ChatOpenAI({ model: 'gpt-4o-mini', apiKey: 'none', useResponsesApi, configuration: { baseURL } });
  assert.ok(JSON.stringify((await model.invoke('hi')).content).includes(EXPECTED));
  let pieces = 0;
  for await (const _ of await model.stream('hi')) pieces += 1;
  assert.ok(pieces > 2);
}

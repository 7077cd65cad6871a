// The AI SDK: its OpenAI provider with both interfaces, and its provider for what is compatible.
import assert from 'node:assert';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';

const { EXPECTED, OPENAI_BASE_URL: baseURL } = process.env;
const openai = createOpenAI({ baseURL, apiKey: 'none' });
const compatible = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: 'none' });

for (const model of [openai.chat('gpt-4o-mini'), openai.responses('gpt-4o-mini'), compatible('gpt-4o-mini')]) {
  assert.equal((await generateText({ model, prompt: 'hi' })).text, EXPECTED);
  let text = '';
  for await (const piece of streamText({ model, prompt: 'hi' }).textStream) text += piece;
  assert.equal(text, EXPECTED);
}

// One call of the OpenAI SDK for Node, as the environment asks; prints the assistant's text.
import OpenAI from 'openai';

const { BASE_URL, API_KEY, HEADERS = '{}', CALL_HEADERS = '{}', SURFACE, MODEL, TEXT } = process.env;

const client = new OpenAI({
  baseURL: BASE_URL,
  apiKey: API_KEY,
  defaultHeaders: JSON.parse(HEADERS),
  maxRetries: 0,
});
const options = { headers: JSON.parse(CALL_HEADERS) };
const messages = [
  { role: 'system', content: 'You are a helpful assistant.' },
  { role: 'user', content: TEXT },
];

const surfaces = {
  async chat() {
    const response = await client.chat.completions.create({ model: MODEL, messages }, options);
    return response.choices[0].message.content;
  },
  async 'chat-stream'() {
    let text = '';
    const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true }, options);
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
    }
    return text;
  },
  async responses() {
    const response = await client.responses.create({ model: MODEL, input: TEXT, max_output_tokens: 150 }, options);
    return response.output[0].content[0].text;
  },
  async 'responses-stream'() {
    let text = '';
    const stream = await client.responses.create({ model: MODEL, input: TEXT, stream: true }, options);
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') {
        text += event.delta;
      }
    }
    return text;
  },
};

process.stdout.write(await surfaces[SURFACE]());

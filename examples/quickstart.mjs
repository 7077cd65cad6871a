// The OpenAI SDK for Node, unmodified: only the URL is the gateway's. Needs `npm install openai`.
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.RECOLLECT_BASE_URL ?? 'http://127.0.0.1:8000/v1',
  apiKey: process.env.RECOLLECT_API_KEY ?? 'unused',
});
const model = process.env.MODEL ?? 'recollect/recall';

async function say(text, session) {
  const response = await client.chat.completions.create(
    { model, messages: [{ role: 'user', content: text }] },
    { headers: { 'X-Memory-User': 'quickstart-node', 'X-Memory-Session': session } },
  );
  console.log(response.choices[0].message.content);
}

await say('My name is Alice and I love hiking', 'monday');
await say('What are my hobbies?', 'tuesday');

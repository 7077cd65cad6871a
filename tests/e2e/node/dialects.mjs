// Conversations in each of the three dialects, with a tool that is called and answered; prints what was said, as JSON.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const { URL_ROOT, API_KEY, MODELS, TEXT, HEADERS = '{}', TOOL_ANSWERS } = process.env;
const answers = JSON.parse(TOOL_ANSWERS);
const options = { apiKey: API_KEY, defaultHeaders: JSON.parse(HEADERS), maxRetries: 0 };
const openai = new OpenAI({ ...options, baseURL: `${URL_ROOT}/v1` });
const anthropic = new Anthropic({ ...options, baseURL: URL_ROOT });
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const described = { name: 'weather', description: 'The weather' };

const dialects = {
  async chat(model, streamed) {
    const messages = [{ role: 'user', content: TEXT }];
    const tools = [{ type: 'function', function: { ...described, parameters: schema } }];
    const calls = [];
    for (;;) {
      const asked = { model, messages, tools };
      const completion = streamed
        ? await openai.chat.completions.stream(asked).finalChatCompletion()
        : await openai.chat.completions.create(asked);
      const said = completion.choices[0].message;
      if (!said.tool_calls?.length) return { text: said.content, calls };
      messages.push({ role: 'assistant', content: said.content, tool_calls: said.tool_calls });
      for (const call of said.tool_calls) {
        const { city } = JSON.parse(call.function.arguments);
        calls.push([call.id, call.function.name, city]);
        messages.push({ role: 'tool', tool_call_id: call.id, content: answers[city] });
      }
    }
  },
  async responses(model, streamed) {
    const input = [{ role: 'user', content: TEXT }];
    const tools = [{ type: 'function', ...described, parameters: schema, strict: false }];
    const calls = [];
    for (;;) {
      const asked = { model, input, tools, store: false };
      const response = streamed
        ? await openai.responses.stream(asked).finalResponse()
        : await openai.responses.create(asked);
      const made = response.output.filter((item) => item.type === 'function_call');
      if (!made.length) return { text: response.output_text, calls };
      for (const { parsed_arguments: _, ...item } of response.output) input.push(item);
      for (const call of made) {
        const { city } = JSON.parse(call.arguments);
        calls.push([call.call_id, call.name, city]);
        input.push({ type: 'function_call_output', call_id: call.call_id, output: answers[city] });
      }
    }
  },
  async messages(model, streamed) {
    const messages = [{ role: 'user', content: TEXT }];
    const tools = [{ ...described, input_schema: schema }];
    const calls = [];
    for (;;) {
      const asked = { model, max_tokens: 200, messages, tools };
      const message = streamed
        ? await anthropic.messages.stream(asked).finalMessage()
        : await anthropic.messages.create(asked);
      const made = message.content.filter((block) => block.type === 'tool_use');
      const texts = message.content.filter((block) => block.type === 'text').map((block) => block.text);
      if (!made.length) return { text: texts.join(''), calls };
      for (const call of made) calls.push([call.id, call.name, call.input.city]);
      const results = made.map((call) => ({
        type: 'tool_result',
        tool_use_id: call.id,
        content: answers[call.input.city],
      }));
      messages.push({ role: 'assistant', content: message.content }, { role: 'user', content: results });
    }
  },
};

const said = [];
for (const [dialect, speak] of Object.entries(dialects)) {
  for (const model of JSON.parse(MODELS)) {
    for (const streamed of [false, true]) {
      said.push({ dialect, model, streamed, ...(await speak(model, streamed)) });
    }
  }
}
process.stdout.write(JSON.stringify(said));

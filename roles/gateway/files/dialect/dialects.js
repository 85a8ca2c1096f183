// How each engine's words become OpenAI's. One that speaks the dialect itself has nothing here.
import tgi from './tgi.js';

export default {tgi: tgi, vllm: {}, sglang: {}, llamacpp: {}};

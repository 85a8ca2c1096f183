// How OpenAI's requests become each engine's: of the engines in keys.js.
import request from './requests.js';

export default {tgi: request};

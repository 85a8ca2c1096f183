// How each engine's errors become OpenAI's, in answers that differ in words only: of the engines in keys.js.
import errors from './errors.js';

export default {tgi: errors};

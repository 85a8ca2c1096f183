// A request that is refused before it reaches the engine: what is wrong, and what to write instead.

function refusal(param, code, message) {
    const error = new Error(message);
    error.refused = {message: message, param: param, code: code};
    return error;
}

export default refusal;

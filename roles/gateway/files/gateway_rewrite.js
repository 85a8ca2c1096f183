// A request as its engine understands it. The model has been chosen, and a key of the body asked for this.
import gateway from './gateway.js';
import asking from './dialect/asking.js';

// Refuse what the engine cannot do, and send on all else with its plan: what the answer will need.
function send(r) {
    const name = r.variables.gateway_model, route = r.variables.gateway_path, who = r.variables.gateway_consumer;
    const live = gateway.own(keyring.live, who) ? keyring.live[who] : models.live;
    let made;
    try {
        made = asking[models.engines[name]](route, r.requestBuffer, {live: live});
    } catch (e) {
        made = {refused: {message: 'The body cannot be read: ' + e.message + '.', param: null, code: 'invalid_json'}};
    }
    if (made.refused !== undefined) {
        const why = made.refused;
        gateway.refuse(r, 400, why.message, 'invalid_request_error', why.param, why.code);
        return;
    }
    if (made.text !== null) {
        r.variables.gateway_body = made.text;
    }
    if (made.plan.replay && Number(r.variables.gateway_tool_keepalive) > 0) {
        made.plan.kept = true;
        r.variables.gateway_kept = '1';
        // The engine's comes with its answer
        r.variables.gateway_engine_addr = '';
    }
    r.variables.gateway_plan = JSON.stringify(made.plan);
    gateway.pass(r, name, '/_gateway/dialect/');
}

export default {send};

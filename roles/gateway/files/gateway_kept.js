// A whole answer, asked for over a connection of loopback: there njs can send comments while the engine works,
// which over TLS njs 0.7.9 keeps until the end. Plain njs as of 0.7.9.
import gateway from './gateway.js';

// Quick answers, and errors of which there is still the status to tell, come without comments
const FIRST = 5000;
// Only sending shows that the client has left. Then it throws, which ends the engine's work too.
const PROBE = 1000;
const REPORTED = ['addr', 'status', 'connect_time', 'header_time', 'response_time'];

// Blank lines and comments while the engine works; then a line with the engine's status and what the log
// tells of it, and its answer as it is.
function ask(r) {
    // model_NAME, and what upstreams.conf.j2 adds where replicas are drained
    const asked = r.headersIn['X-Gateway-Upstream'].slice('model_'.length), name = asked.split('!')[0];
    const pause = Number(r.variables.gateway_tool_keepalive) * 1000 / PROBE;
    const place = gateway.own(models.replicated, name) ? 'replicas' : 'one';
    let sent = 0, timer = setTimeout(tick, FIRST);
    r.variables.gateway_model = name;
    r.variables.gateway_drained = asked.slice(name.length);

    function tick() {
        timer = setTimeout(tick, PROBE);
        if (sent === 0) {
            r.status = 200;
            r.headersOut['Content-Type'] = 'application/json';
            r.sendHeader();
        }
        r.send(sent % pause === 0 ? ': keep-alive\n\n' : '\n');
        sent += 1;
    }

    r.subrequest('/_gateway/kept/' + place, {method: 'POST'}).then(reply => {
        clearTimeout(timer);
        if (sent === 0) {
            r.status = reply.status;
            Object.keys(reply.headersOut).filter(key => key !== 'Content-Length').forEach(key => {
                r.headersOut[key] = reply.headersOut[key];
            });
            r.sendHeader();
        }
        const told = REPORTED.map(what => reply.variables['upstream_' + what] || '');
        r.send(JSON.stringify([reply.status].concat(told)) + '\n' + (reply.responseText || ''));
        r.finish();
    });
}

export default {ask};

// As rows.py: a row is a function that uses its client, and returns "right" or what was wrong.

export const RIGHT = 'right';

const rows = [];

export function row(name, client, work) {
  rows.push({ row: name, client, work });
}

// sides: {SIDE: {url, model, key}}
export async function run(sides, only = '') {
  for (const [side, { url, model, key }] of Object.entries(sides)) {
    for (const { row, client, work } of rows) {
      if (!row.includes(only) && !client.includes(only)) continue;
      const outcome = await work({ v1: `${url}/v1`, model, key }).catch(told);
      const short = outcome.replace(/\s+/g, ' ').slice(0, 160);
      console.log(JSON.stringify({ side, row, client, outcome: short }));
    }
  }
}

// The server's words where it gave some, else the client's own
function told(error) {
  const cause = error.lastError ?? error;
  const status = cause.status ?? cause.statusCode;
  const said = cause.responseBody ?? cause.message;
  return `${status ?? error.name}: ${said}`;
}

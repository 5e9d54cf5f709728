// A server over the package ws of npm: it sends messages back, and does what a few of them ask for. It prints its port, and ends
// when its input does.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1', port: 0, maxPayload: 64 << 20, perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => offered.has('chat') ? 'chat' : false,
});
const asks = {
  close: (ws, code, reason) => code ? ws.close(Number(code), reason) : ws.close(),
  ping: (ws) => { ws.once('pong', (payload) => ws.send('pong ' + payload)); ws.ping('p1'); },
  fragments: (ws) => { ws.send('one ', { fin: false }); ws.send('two ', { fin: false }); ws.send('three'); },
  hangup: (ws) => ws.terminate(),
};
server.on('connection', (ws) => ws.on('message', (data, binary) => {
  const [word, ...rest] = binary ? [] : data.toString().split(' ');
  if (Object.hasOwn(asks, word)) asks[word](ws, ...rest);
  else ws.send(data, { binary });
}));
server.on('listening', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());

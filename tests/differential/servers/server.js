// Node's http as an oracle: one line in $VIEWS for each request that it has read to its end.
//
//   ADDRESS METHOD TARGET BODY NAME=VALUE…     all but the address in hexadecimal digits
'use strict';
const fs = require('fs');
const http = require('http');

const views = fs.openSync(process.env.VIEWS, 'a');
const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function view(request, response) {
  const address = request.socket.remoteAddress;
  const body = [];
  request.on('data', (part) => body.push(part));
  request.on('error', () => {});
  request.on('end', () => {
    const words = [
      address, hex(request.method), hex(request.url), Buffer.concat(body).toString('hex'),
    ];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      words.push(`${hex(request.rawHeaders[at])}=${hex(request.rawHeaders[at + 1])}`);
    }
    fs.writeSync(views, `${words.join(' ')}\n`);
    response.end();
  });
}

const server = http.createServer({ maxHeaderSize: 65536 }, view);
server.on('checkContinue', (request, response) => {
  response.writeContinue();
  view(request, response);
});
// By default another expectation is answered with 417.
server.on('checkExpectation', view);
server.listen({ host: '127.0.0.1', port: 29003, backlog: 1024 });

// The peer EventEmitter (Node) of bench/emit. Usage: node peer_emitter.js HANDLERS HOW.
'use strict'
const EventEmitter = require('events')

const handlers = Number(process.argv[2])
const quick = process.argv[3] === 'ns-quick'
const emitter = new EventEmitter()
const payload = { text: 'hello', user: 7 }
const counter = { heard: 0 }
let emitted = 0

emitter.setMaxListeners(0)
for (let i = 0; i < handlers; i++)
  emitter.on('said', () => { counter.heard++ })

function batch(count) {
  const begin = process.hrtime.bigint()
  for (let i = 0; i < count; i++)
    emitter.emit('said', payload)
  emitted += count
  return Number(process.hrtime.bigint() - begin)
}

// Measures time as bench_time() of bench.c does. The work of the just-in-time compiler at the start
// does not count.
function measure() {
  const enough = quick ? 5e5 : 2e6
  let count = 1, least = Infinity
  for (let i = 0; i < 20; i++)
    batch(10000)
  while (batch(count) < enough)
    count *= 2
  for (let i = 0; i < 9; i++)
    least = Math.min(least, batch(count))
  return least / count
}

console.log(measure().toFixed(6))
process.exit(counter.heard === emitted * handlers ? 0 : 1)

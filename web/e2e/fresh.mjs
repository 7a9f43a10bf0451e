// An installation nobody has used: its own server, its own empty database.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The product as `zhanggui serve` starts it for the first time, with more settings; answers its address and its set-up code. */
export function fresh(more = []) {
  const dir = mkdtempSync(join(tmpdir(), 'zhanggui-first-'))
  const server = spawn(new URL('../../bin/zhanggui', import.meta.url).pathname,
    ['serve', '--listen', '127.0.0.1:0', '--database', `sqlite:${dir}/zg.db`, '--key', `${dir}/journal.key`, ...more])
  const stop = () => new Promise((done) => {
    server.on('exit', () => { rmSync(dir, { recursive: true, force: true }); done() })
    server.kill('SIGINT')
  })
  return new Promise((resolve, reject) => {
    let out = ''
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${out}`)))
    server.stderr.on('data', (b) => { out += b })
    server.stdout.on('data', (b) => {
      out += b
      const address = /address\s+(\S+)/.exec(out)?.[1]
      const code = /([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})/.exec(out)?.[1]
      if (address && code) resolve({ address, code, stop })
    })
  })
}

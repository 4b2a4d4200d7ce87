import { connect, type Socket } from 'node:net'

/** Sends bytes as they are, and answers all that comes back until the server closes. */
export function sendRaw(url: string, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openRaw(url)
    let answer = ''
    socket.on('data', data => {
      answer += data
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
    for (const piece of pieces) socket.write(piece)
  })
}

/** A connection that the test speaks itself. */
export function openRaw(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect(Number(port), hostname).setEncoding('latin1')
}

/** Status codes of the answers in what came back, in their order. */
export function statusesOf(answers: string): number[] {
  return [...answers.matchAll(/^HTTP\/1\.1 ([0-9]{3}) /gm)].map(([, status]) => Number(status))
}

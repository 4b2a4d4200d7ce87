import { expect, test } from 'bun:test'
import { formatEnvironment } from './environment-lines.ts'

test('what a shell evaluates gives the values back, whatever is in them', () => {
  const values = {
    A: 'http://127.0.0.1:1/v3',
    B: 'it\'s $HOME `x` \\ "q"',
    C: '',
    D: 'a b  c',
    E: 42,
    F: 'eu-de@AK+/=',
  }
  const script = `${formatEnvironment(values)}printf '%s\n' "$A" "$B" "$C" "$D" "$E" "$F"`
  const { stdout } = Bun.spawnSync(['sh', '-c', script])
  expect(stdout.toString().split('\n').slice(0, -1)).toEqual(Object.values(values).map(String))
})

test('an ordinary value stands bare, as files of variables without quotes want it', () => {
  expect(formatEnvironment({ URL: 'http://127.0.0.1:1', PID: 7 })).toBe('URL=http://127.0.0.1:1\nPID=7\n')
})

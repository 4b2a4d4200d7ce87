import { DomainError } from '../core/errors.ts'

/** The first line of standard input. Throws `parameter_missing` when there is none. */
export async function readPassword(): Promise<string> {
  const [line = ''] = (await Bun.stdin.text()).split('\n')
  const password = line.replace(/\r$/, '')
  if (password !== '') return password
  throw new DomainError('parameter_missing', '--password-stdin found no password on standard input')
}

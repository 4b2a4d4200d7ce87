import { expect, test } from 'bun:test'
import { type CommandSpec, parseArguments } from './arguments.ts'
import { formatCommandHelp, formatHelp } from './help.ts'

const commands = [
  {
    words: ['serve'],
    summary: 'Serve.',
    examples: [{ line: 'stower serve', does: 'serve' }],
    settings: 'listed',
  },
  {
    words: ['user', 'create'],
    summary: 'Create a user.',
    positionals: [
      { name: 'name', about: 'the name' },
      { name: 'account', about: 'the account', isOptional: true },
    ],
    options: [
      { name: 'administrator', about: 'may do everything' },
      { name: 'password-file', about: 'where the password stands', value: 'FILE' },
    ],
    examples: [{ line: 'stower user create alice', does: 'create alice' }],
    settings: 'accepted',
  },
  { words: ['user', 'list'], summary: 'List users.', examples: [], settings: 'accepted' },
  { words: ['version'], summary: 'Show the version.', examples: [], settings: 'refused' },
] as const satisfies readonly CommandSpec[]

function parse(line: string) {
  const parsed = parseArguments(line.split(' ').filter(Boolean), commands)
  return parsed.kind === 'run' ? { ...parsed, command: parsed.command.words.join(' ') } : parsed
}

test.each([
  ['serve', { command: 'serve', configFlags: [] }],
  [
    'serve --listen 127.0.0.1:0 --data-dir=/d',
    {
      configFlags: [
        { name: 'listen', value: '127.0.0.1:0' },
        { name: 'data-dir', value: '/d' },
      ],
    },
  ],
  ['--config my.yaml serve', { command: 'serve', configFlags: [{ name: 'config', value: 'my.yaml' }] }],
  ['serve --listen=', { configFlags: [{ name: 'listen', value: '' }] }],
  ['serve --encryption-key-file key', { configFlags: [{ name: 'encryption-key-file', value: 'key' }] }],
  ['user create alice', { command: 'user create', positionals: { name: 'alice' }, options: {} }],
  [
    'user --data-dir d create --administrator alice acme --password-file=-',
    {
      positionals: { name: 'alice', account: 'acme' },
      options: { administrator: true, 'password-file': '-' },
      configFlags: [{ name: 'data-dir', value: 'd' }],
    },
  ],
  ['user create -- --alice', { positionals: { name: '--alice' } }],
  ['--version', { command: 'version' }],
  ['version', { command: 'version' }],
])('stower %s runs', (line, expected) => {
  expect(parse(line)).toMatchObject({ kind: 'run', ...expected })
})

test.each([
  ['', { words: [] }],
  ['--help', { words: [] }],
  ['help', { words: [] }],
  ['-h', { words: [] }],
  ['user --help', { words: ['user'] }],
  ['help user', { words: ['user'] }],
  ['user create --help', { words: ['user', 'create'] }],
  ['user create alice -h', { words: ['user', 'create'] }],
  ['help serve', { words: ['serve'] }],
])('stower %s helps', (line, expected) => {
  expect(parse(line)).toMatchObject({ kind: 'help', ...expected })
})

test.each([
  ['srve', 'there is no command "srve" (did you mean serve?)'],
  ['frobnicate', 'there is no command "frobnicate" (stower --help lists them)'],
  ['help srve', 'there is no command "srve" (did you mean serve?)'],
  ['user', 'stower user needs a command (stower user --help lists them)'],
  ['user craete', 'there is no command "user craete" (did you mean create?)'],
  ['--listen 127.0.0.1:0', 'stower needs a command (stower --help lists them)'],
  ['user create', 'stower user create needs NAME: the name'],
  ['user create a b c', 'stower user create does not take "c"'],
  ['--lisen x serve', 'stower has no flag --lisen (did you mean --listen?)'],
  ['serve --lisen x', 'stower serve has no flag --lisen (did you mean --listen?)'],
  ['serve --version', 'stower serve has no flag --version (stower serve --help lists the flags)'],
  ['serve -l x', 'stower serve has no flag -l (stower serve --help lists the flags)'],
  ['serve --administrator', 'stower serve has no flag --administrator (stower serve --help lists the flags)'],
  ['user create a --adminstrator', 'stower user create has no flag --adminstrator (did you mean --administrator?)'],
  ['version --listen x', 'stower version has no flag --listen (stower version --help lists the flags)'],
  ['serve --listen', '--listen needs a value (--listen=VALUE when it begins with a hyphen)'],
  ['serve --listen --data-dir d', '--listen needs a value (--listen=VALUE when it begins with a hyphen)'],
  ['user create a --administrator=yes', '--administrator takes no value'],
])('stower %s is refused', (line, problem) => {
  expect(parse(line)).toEqual({ kind: 'problem', problem })
})

test('help lists the commands of a group', () => {
  const help = formatHelp(commands, ['user'])
  expect(help).toContain('Usage: stower user <command>')
  expect(help).toMatch(/user create {2}Create a user\.\n {2}user list {4}List users\./)
  expect(help).not.toContain('serve')
})

test('help about a command shows usage, arguments, flags and examples', () => {
  const help = formatCommandHelp(commands[1])
  expect(help).toContain('Usage: stower user create NAME [ACCOUNT] [flags]')
  expect(help).toContain('--password-file FILE  where the password stands')
  expect(help).toContain('# create alice\n  stower user create alice\n')
})

test('help about serve lists every setting', () => {
  const help = formatCommandHelp(commands[0])
  expect(help).toMatch(/--listen VALUE +Where Stower listens\. \(default 127\.0\.0\.1:8080\)/)
  expect(help).toMatch(/--encryption-key VALUE .*or --encryption-key-file FILE/)
})

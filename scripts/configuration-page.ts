import { describeConfig, type SettingDescription } from '../src/config/describe.ts'

/** The text of `docs/configuration.md`, from the schema of the settings. */
export function configurationPage(): string {
  const settings = describeConfig()
  const lasting = settings.filter(setting => !setting.isInitial)
  const initial = settings.filter(setting => setting.isInitial)
  return [
    '<!-- Generated from src/config/settings.ts by `npm run docs`. Changes made here are lost. -->',
    '# Configuration',
    introduction,
    '## Settings',
    ...lasting.map(describe),
    '## Values for the first start',
    'They count only while the store is empty: the first start takes them instead of inventing its own. Whoever sets none ' +
      'finds the invented ones on the terminal or in a file of the data folder.',
    ...initial.map(describe),
    '## A file to start from',
    `\`\`\`yaml\n${exampleFile(lasting)}\`\`\``,
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

const introduction = `Stower runs without any configuration. What you want otherwise, you say in one of three places; a later one wins over an
earlier one:

1. the file \`stower.yaml\` in the folder where Stower is started, or the file that \`--config FILE\` or \`STOWER_CONFIG\` names
2. environment variables
3. flags of the command line

Every setting has one name in three spellings: \`tls.cert_file\` is

\`\`\`yaml
tls:
  cert_file: /etc/stower/tls.crt
\`\`\`

in the file, \`STOWER_TLS_CERT_FILE\` in the environment and \`--tls-cert-file\` as a flag.

- An unknown name is an error that names the nearest known one, and a wrong value is an error wherever it stands.
- \`stower config check\` lists all problems at once; \`stower config print\` shows each effective value and where it came from,
  with secrets hidden.
- An environment variable or a key of the file that is empty counts as not set.
- Lists are written with commas between their items; in the file also as a YAML list.
- A relative path starts from the folder of the file it stands in, otherwise from the folder where Stower is started.
- Where a setting says "or from a file", its name with \`_file\` behind it (\`STOWER_ENCRYPTION_KEY_FILE\`,
  \`--encryption-key-file\`) takes the path of a file that holds the value. Prefer it for secrets: other users of a machine can
  read flags, and often environments too.`

function describe(setting: SettingDescription): string {
  const facts = [
    setting.about,
    `- Expects ${setting.expected}.`,
    `- Default: ${setting.default === undefined ? 'not set' : code(setting.default)}`,
    `- Environment: ${code(setting.environment)}${setting.hasFileForm ? `, or from a file: ${code(`${setting.environment}_FILE`)}` : ''}`,
    `- Flag: ${code(setting.flag)}${setting.hasFileForm ? `, or from a file: ${code(`${setting.flag}-file`)}` : ''}`,
  ]
  const [about, ...list] = facts
  return `### ${code(setting.key)}\n\n${about}\n\n${list.join('\n')}`
}

function code(text: string): string {
  return `\`${text}\``
}

/** Every setting commented out, with its default or an example. */
function exampleFile(settings: readonly SettingDescription[]): string {
  const lines: string[] = []
  let openGroup = ''
  for (const setting of settings) {
    const [head = '', member] = setting.key.split('.')
    const name = member ?? head
    const group = member === undefined ? '' : head
    if (group !== '' && group !== openGroup) lines.push(`# ${group}:`)
    openGroup = group
    const indent = group === '' ? '' : '  '
    lines.push(
      setting.isSecret ? `# ${indent}${name}_file: /run/secrets/${name}` : `# ${indent}${name}: ${setting.example}`,
    )
  }
  return `${lines.join('\n')}\n`
}

import { accessKeyCommands } from './access-keys.ts'
import { accountCommands } from './accounts.ts'
import { backupCommands } from './backups.ts'
import type { Command } from './command.ts'
import { configurationCommands } from './configuration.ts'
import { credentialsCommands } from './credentials.ts'
import { explainCommand } from './explain.ts'
import { gcCommand } from './gc.ts'
import { loginCommands } from './logins.ts'
import { maintenanceCommands } from './maintenance.ts'
import { organizationCommands } from './organizations.ts'
import { serveCommand } from './serve.ts'
import { userCommands } from './users.ts'
import { versionCommand } from './version.ts'

/** Every command, in the order the help lists them. */
export const commands: readonly Command[] = [
  serveCommand,
  ...configurationCommands,
  ...credentialsCommands,
  ...accountCommands,
  ...userCommands,
  ...accessKeyCommands,
  ...loginCommands,
  ...organizationCommands,
  explainCommand,
  ...maintenanceCommands,
  ...backupCommands,
  gcCommand,
  versionCommand,
]

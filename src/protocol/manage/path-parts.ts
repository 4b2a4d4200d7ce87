import type { JsonSchema } from '../openapi/json-schema.ts'
import { reportFrequencies, reportTypes } from './account.ts'
import { maxOrganizationNameLength, maxRepositoryNameLength, namePatterns } from './names.ts'

/** What stands in paths as `:part`: its name in SWR's own pages, what it is, and its values. */
export const pathParts: Readonly<
  Record<string, { name: string; description: string; schema: JsonSchema; example?: string }>
> = {
  organization: {
    name: 'namespace',
    description: 'The name of an organization.',
    schema: { type: 'string', maxLength: maxOrganizationNameLength, pattern: namePatterns.organization },
    example: 'group',
  },
  repository: {
    name: 'repository',
    description: 'The name of an image repository; `$`, `%24` or `%2F` stands for a slash of it.',
    schema: { type: 'string', maxLength: maxRepositoryNameLength, pattern: namePatterns.repositoryInPath },
    example: 'team$busybox',
  },
  account: {
    name: 'access_domain',
    description: 'The name of the account that the image is shared with.',
    schema: { type: 'string', minLength: 1 },
    example: 'OTC000',
  },
  tag: {
    name: 'tag',
    description: 'A tag.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$' },
    example: 'latest',
  },
  project: {
    name: 'project_id',
    description: 'The id of the project that the token is for.',
    schema: { type: 'string', minLength: 1 },
  },
  resource: { name: 'resource_type', description: 'What is reported.', schema: { enum: reportTypes } },
  frequency: { name: 'frequency', description: 'How often.', schema: { enum: reportFrequencies } },
  retention: {
    name: 'retention_id',
    description: 'The id of a retention policy.',
    schema: { type: 'integer', minimum: 1 },
  },
}

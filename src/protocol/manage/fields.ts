import { z } from 'zod'
import { maxTagLength, parseTag, type Tag, tagRule } from '../oci/names.ts'
import { categories, categoryRule, parseCategory, type StoredCategory } from './categories.ts'
import {
  maxOrganizationNameLength,
  maxRepositoryNameLength,
  namePatterns,
  type OrganizationName,
  type ParsedName,
  parseOrganizationName,
  parseRepositoryName,
  type RepositoryName,
} from './names.ts'

/** Rules of fields that have an error code of their own; they travel as `params.rule` of a zod issue. */
export type FieldRule = 'organization-name' | 'repository-name' | 'tag' | 'level' | 'description-length'

/** SWR user manual, "Editing Image Attributes". In code points. */
export const maxDescriptionLength = 30_000

export const organizationNameField = nameField<OrganizationName>('organization-name', parseOrganizationName).meta({
  maxLength: maxOrganizationNameLength,
  pattern: namePatterns.organization,
  description: 'Lowercase letters and digits, with `.`, `_`, `__` or `-` between; a letter comes first.',
})
export const repositoryNameField = nameField<RepositoryName>('repository-name', parseRepositoryName).meta({
  maxLength: maxRepositoryNameLength,
  pattern: namePatterns.repository,
  description: 'Lowercase letters and digits, with `.`, `_`, `__`, `-` or `/` between.',
})

export const tagField = z
  .string({ error: tagRule })
  .transform((text, context): Tag => {
    const tag = parseTag(text)
    if (tag !== undefined) return tag
    refuse(context, 'tag', tagRule)
    return z.NEVER
  })
  .meta({ maxLength: maxTagLength, description: 'Letters, digits, `.`, `_` and `-`; neither `.` nor `-` comes first.' })

/** Empty is a value too: it is what is shown for a category that was never set. */
export const categoryField = z
  .string({ error: categoryRule })
  .transform((text, context): StoredCategory => {
    const category = text === '' ? text : parseCategory(text)
    if (category !== undefined) return category
    context.addIssue({ code: 'custom', message: categoryRule })
    return z.NEVER
  })
  .meta({ enum: [...categories, 'arms', ''], description: 'What is inside.' })

export const descriptionField = describedIn(maxDescriptionLength)

/** SWR user manual, "Sharing Private Images". */
export const shareDescriptionField = describedIn(1_000)

/** SWR API, "Permission": read, edit, manage. */
export const levelField = z
  .unknown()
  .transform((value, context): 1 | 3 | 7 => {
    if (value === 1 || value === 3 || value === 7) return value
    refuse(context, 'level', 'auth is 7 (manage), 3 (edit) or 1 (read)')
    return z.NEVER
  })
  .meta({ type: 'integer', enum: [7, 3, 1], description: '7 to manage, 3 to edit, 1 to read.' })

/** Text that comes back as it was sent: what a database can't hold is refused. */
export function textField(what: string) {
  return z.string({ error: `${what} is text` }).refine(text => text.isWellFormed() && !text.includes('\0'), {
    error: `${what} holds neither the character U+0000 nor half a surrogate pair`,
  })
}

function describedIn(maxLength: number) {
  return textField('a description')
    .refine(text => isShort(text, maxLength), {
      error: `a description has at most ${maxLength} characters`,
      params: { rule: 'description-length' satisfies FieldRule },
    })
    .meta({ maxLength })
}

function nameField<Name extends string>(rule: FieldRule, parse: (text: string) => ParsedName<Name>) {
  return z.string({ error: 'a name is text' }).transform((text, context): Name => {
    const parsed = parse(text)
    if (parsed.kind === 'name') return parsed.name
    refuse(context, rule, parsed.reason)
    return z.NEVER
  })
}

function refuse(context: z.RefinementCtx, rule: FieldRule, message: string): void {
  context.addIssue({ code: 'custom', message, params: { rule } })
}

/** Counts code points only where the cheaper length leaves it open. */
function isShort(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return true
  if (text.length > 2 * maxLength) return false
  return [...text].length <= maxLength
}

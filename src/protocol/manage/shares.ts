import { z } from 'zod'
import { type Deadline, deadlineRule, parseDeadline } from './deadlines.ts'
import { shareDescriptionField, textField } from './fields.ts'
import { pageQuery } from './paging.ts'

/** SWR API, "Creating an Account for Image Sharing": to read is all that another account may. */
const permitField = z.literal('read', { error: 'permit is "read"' })

const deadlineField = z
  .string({ error: deadlineRule })
  .transform((text, context): Deadline => {
    const deadline = parseDeadline(text)
    if (deadline) return deadline
    context.addIssue({ code: 'custom', message: deadlineRule })
    return z.NEVER
  })
  .meta({ description: deadlineRule })

/** `PATCH …/access-domains/{domain}`: a description that is absent stays as it is. */
export const updateShareBody = z.object({
  permit: permitField,
  deadline: deadlineField,
  description: shareDescriptionField.nullish(),
})

/** `POST …/access-domains`, in the order in which missing and wrong fields are told. */
export const createShareBody = z.object({ access_domain: textField('access_domain'), ...updateShareBody.shape })

export type CreateShareBody = z.output<typeof createShareBody>
export type UpdateShareBody = z.output<typeof updateShareBody>

/** A share as lists show it. */
export const shareView = z.object({
  namespace: z.string(),
  repository: z.string(),
  access_domain: z.string(),
  permit: z.literal('read'),
  /** `forever`, or a time, as it was sent. */
  deadline: z.string(),
  description: z.string(),
  creator_id: z.string(),
  creator_name: z.string(),
  created: z.iso.datetime(),
  updated: z.iso.datetime(),
  /** False once it has ended. */
  status: z.boolean(),
})

export type ShareView = z.infer<typeof shareView>

/** What is shown of one that isn't there: it is no error, and clients look at `exist`. */
export const absentShareView = z.object({
  exist: z.literal(false),
  namespace: z.string(),
  repository: z.string(),
  access_domain: z.string(),
  permit: z.literal(''),
  deadline: z.literal(''),
  description: z.literal(''),
  creator_id: z.literal(''),
  creator_name: z.literal(''),
  created: z.literal(''),
  updated: z.literal(''),
  status: z.literal(false),
})

/** `GET …/access-domains/{domain}`. */
export const shownShareView = z.discriminatedUnion('exist', [
  shareView.extend({ exist: z.literal(true) }),
  absentShareView,
])

export type ShownShareView = z.infer<typeof shownShareView>

/** Parameters of `GET …/access-domains`. No document has them, and without them nobody could see what follows the first 100. */
export const shareListQuery = z.object(pageQuery)

export const shareListKeys = Object.keys(shareListQuery.shape)

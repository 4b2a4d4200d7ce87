import { z } from 'zod'

const domain = z.object({ id: z.string(), name: z.string() })
const roles = z.array(z.object({ id: z.string(), name: z.string() }))

export const catalogField = z.array(
  z.object({
    id: z.string(),
    type: z.string(),
    name: z.string(),
    endpoints: z.array(
      z.object({ id: z.string(), interface: z.string(), region: z.string(), region_id: z.string(), url: z.string() }),
    ),
  }),
)

/** `POST` and `GET /v3/auth/tokens`; the token itself is in the header. */
export const tokenView = z.object({
  token: z.object({
    methods: z.array(z.string()),
    issued_at: z.string(),
    expires_at: z.string(),
    user: z.object({ ...domain.shape, domain, password_expires_at: z.string() }),
    project: z.object({ ...domain.shape, domain }).optional(),
    domain: domain.optional(),
    roles,
    catalog: catalogField.optional(),
  }),
})

const links = z.object({ self: z.string(), previous: z.string().nullish(), next: z.string().nullish() })

export const catalogView = z.object({ catalog: catalogField, links })

export const projectsView = z.object({
  projects: z.array(
    z.object({
      ...domain.shape,
      description: z.string(),
      domain_id: z.string(),
      parent_id: z.string(),
      enabled: z.boolean(),
      is_domain: z.literal(false),
    }),
  ),
  links,
})

export const domainsView = z.object({ domains: z.array(domain.extend({ enabled: z.literal(true) })), links })

const user = z.object({
  ...domain.shape,
  domain_id: z.string(),
  enabled: z.boolean(),
  links: z.object({ self: z.string() }),
})

/** To managers of users and to the user itself. */
const wholeUser = user.extend({
  description: z.string(),
  email: z.string(),
  areacode: z.string(),
  phone: z.string(),
  xuser_type: z.string(),
  xuser_id: z.string(),
  default_project_id: z.string(),
  pwd_status: z.boolean(),
  access_mode: z.enum(['default', 'programmatic', 'console']),
  is_domain_owner: z.boolean(),
  create_time: z.string(),
})

export const usersView = z.object({ users: z.array(user), links })
export const userView = z.object({ user: z.union([wholeUser, user]) })

const credential = z.object({
  access: z.string(),
  user_id: z.string(),
  description: z.string(),
  status: z.enum(['active', 'inactive']),
  create_time: z.string(),
})

export const credentialView = z.object({ credential })
export const credentialsView = z.object({ credentials: z.array(credential) })
/** The one answer that holds the secret. */
export const newCredentialView = z.object({ credential: credential.extend({ secret: z.string() }) })

const device = z.object({ user_id: z.string(), serial_number: z.string() })

export const deviceView = z.object({ virtual_mfa_device: device })
export const devicesView = z.object({ virtual_mfa_devices: z.array(device) })
/** The one answer that holds the seed. */
export const newDeviceView = z.object({
  virtual_mfa_device: z.object({ serial_number: z.string(), base32_string_seed: z.string() }),
})

const role = z.object({
  ...domain.shape,
  display_name: z.string(),
  type: z.string(),
  catalog: z.string(),
  domain_id: z.null(),
  description: z.string(),
  links: z.object({ self: z.string() }),
})

export const roleView = z.object({ role })
export const rolesView = z.object({ roles: z.array(role), links, total_number: z.int().optional() })

const id = z.object({ id: z.string() })

export const roleAssignmentsView = z.object({
  role_assignments: z.array(
    z.object({
      role: id,
      user: id,
      scope: z.union([z.object({ project: id }), z.object({ domain: id })]),
    }),
  ),
  links,
})

/** `GET /v3`. */
export const versionView = z.object({
  version: z.object({
    id: z.string(),
    status: z.string(),
    updated: z.string(),
    links: z.array(z.object({ rel: z.string(), href: z.string() })),
    'media-types': z.array(z.object({ base: z.string(), type: z.string() })),
  }),
})

/** The body of an error (Identity API v3, "Response Codes"). */
export const errorView = z.object({ error: z.object({ code: z.int(), message: z.string(), title: z.string() }) })

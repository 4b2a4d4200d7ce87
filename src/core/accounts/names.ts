import { DomainError } from '../errors.ts'

/**
 * Login names are written `account/user`, `project@AK` and `user:password`, and header values of signatures hold access
 * keys: none of these signs may be in a name. All checks return what they are given and throw `parameter_invalid`.
 */
export function checkAccountName(text: string): string {
  return check('account', accountGrammar, '1 to 64 letters, digits, hyphens and underscores', text)
}

/** False for what no account can be called. */
export function isAccountName(text: string): boolean {
  return accountGrammar.test(text)
}

const accountGrammar = /^[A-Za-z0-9_-]{1,64}$/

export function checkProjectName(text: string): string {
  return check('project', /^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, hyphens and underscores', text)
}

export function checkUserName(text: string): string {
  const rule = '1 to 64 characters without slashes, colons, @, control characters and spaces around it'
  return check('user', /^(?!\s)[^/:@\p{Cc}]{1,64}(?<!\s)$/u, rule, text)
}

export function checkAccessKeyId(text: string): string {
  return check('access key', /^[A-Za-z0-9._-]{1,128}$/, '1 to 128 letters, digits, dots, hyphens and underscores', text)
}

/** The secret key itself never stands in the error. */
export function checkSecretKey(text: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(text)) return text
  throw new DomainError('parameter_invalid', 'a secret key has 1 to 128 ASCII characters without spaces', {
    parameter: 'secret key',
  })
}

/** The password itself never stands in the error. */
export function checkPassword(text: string): string {
  if (text.length <= maxPasswordLength && /^\P{Cc}+$/u.test(text)) return text
  throw new DomainError('parameter_invalid', `a password has 1 to ${maxPasswordLength} characters in one line`, {
    parameter: 'password',
  })
}

export const maxPasswordLength = 1024

function check(parameter: string, pattern: RegExp, rule: string, text: string): string {
  if (pattern.test(text)) return text
  throw new DomainError('parameter_invalid', `${JSON.stringify(text.slice(0, 80))} is no ${parameter} name: ${rule}`, {
    parameter,
    rule,
  })
}

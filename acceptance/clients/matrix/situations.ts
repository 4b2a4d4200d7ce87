/** What a person does with a registry, or what happens to them; the columns of the table. */
export const situations = [
  'logs in with a password',
  'logs in with {project}@{AK}',
  'pulls a public repository without a login',
  'pushes',
  'pulls byte for byte what it pushed',
  'lists tags',
  'copies to another repository without sending layers',
  'deletes an image',
  'pushes one name for two platforms',
  'pushes an artifact that refers to an image and finds it',
  'is refused with a wrong password',
  'is refused a push with the right to pull',
  'is refused a pull without a right',
  'goes on when its token expires during a push',
] as const

export type Situation = (typeof situations)[number]

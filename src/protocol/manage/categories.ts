/** SWR API, "Creating an Image Repository", table 2. */
export const categories = [
  'app_server',
  'linux',
  'framework_app',
  'database',
  'lang',
  'other',
  'windows',
  'arm',
] as const

export type Category = (typeof categories)[number]

/** What a repository has: nothing (``) where a category was never set. */
export type StoredCategory = Category | ''

/** Models of SDKs spell the last one `arms`; it is kept as `arm`. */
export function parseCategory(text: string): Category | undefined {
  return text === 'arms' ? 'arm' : categories.find(category => category === text)
}

export const categoryRule = `the category is one of ${categories.join(', ')}`

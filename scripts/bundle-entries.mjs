/** The command line's entry first; then what is loaded by its address at run time, and so is found by no import. */
export const entries = ['src/main.ts', 'src/metadata/sqlite/checkpointer.ts']

/** How both the executable and the bundle are made. Stack traces name the files and lines of src/. */
export const bundleFlags = ['--target=bun', '--root=src', '--minify-whitespace']

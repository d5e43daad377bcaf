import { readFile } from 'node:fs/promises'
import path from 'node:path'
import ts from 'typescript'

export const root = path.join(__dirname, '..')

/** The code of one language in a Markdown file, in its order. */
export async function codeOf(file: string, language: string): Promise<string[]> {
  const text = await readFile(path.join(root, file), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code)
}

/** Compiles programs beside themselves, and tells what is wrong with them. */
export function compile(files: readonly string[], folder: string): string[] {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config,
    ts.sys,
    root,
  )
  const program = ts.createProgram(files, {
    ...options,
    types: ['node'],
    rootDir: folder,
    outDir: folder,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
  })
  program.emit()
  return [...ts.getPreEmitDiagnostics(program)].map(({ file, messageText }) => {
    return `${path.basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/**
 * No list is spread over a call's arguments: `f(...list)`, `array.push(...list)`, `Math.max(...list)`, `new X(...list)`, `f.apply(x, list)`.
 * From some 120,000 elements on it throws a RangeError. What can't grow may be: tuples of a fixed length, and a function's own rest
 * parameter, which was spread or written out already where the function was called.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const noSpreadArguments = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      spread: 'A long list spread over arguments overflows the stack. Take a loop, or pass the list itself.',
    },
  },
  create(context) {
    const services = context.sourceCode.parserServices
    const checker = services.program.getTypeChecker()

    /** Whether a type is a tuple without a rest element. */
    const isFixed = (type) =>
      checker.isTupleType(type) && !type.target.hasRestElement && !type.target.elementFlags.some((flag) => flag & 8)

    /** Whether a name, cast or not, is a rest parameter of the functions around it, and is never assigned. */
    const isRestParameter = (expression) => {
      let node = expression
      while (node.type === 'TSAsExpression') node = node.expression
      if (node.type !== 'Identifier') return false
      for (let scope = context.sourceCode.getScope(node); scope; scope = scope.upper) {
        const variable = scope.set.get(node.name)
        if (!variable) continue
        const [definition] = variable.defs
        return (
          definition?.type === 'Parameter' &&
          definition.node.params.some((one) => one.type === 'RestElement' && one.argument === definition.name) &&
          !variable.references.some((reference) => reference.isWrite())
        )
      }
      return false
    }

    const checkList = (list) => {
      if (list.type === 'ArrayExpression') {
        for (const element of list.elements) if (element?.type === 'SpreadElement') checkList(element.argument)
        return
      }
      if (isRestParameter(list)) return
      const type = services.getTypeAtLocation(list)
      const types = type.isUnion() ? type.types : [type]
      if (!types.every(isFixed)) context.report({ node: list, messageId: 'spread' })
    }

    const check = ({ callee, arguments: given }) => {
      for (const argument of given) if (argument.type === 'SpreadElement') checkList(argument.argument)
      // `push.apply(list, more)` and `Reflect.apply(push, list, more)` do the same.
      const isApply = callee.type === 'MemberExpression' && callee.property.name === 'apply'
      const list = given.length >= 2 ? given.at(-1) : undefined
      if (isApply && list && list.type !== 'SpreadElement') checkList(list)
    }
    return { CallExpression: check, NewExpression: check }
  },
}

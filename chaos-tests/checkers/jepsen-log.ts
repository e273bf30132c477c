/**
 * Reads Jepsen's log of a compare-and-set register: `INFO  jepsen.util - <process> :invoke|:ok|:fail|:info :read|:write|:cas <value>`.
 *
 * @module
 */
import type { RegisterInput, RegisterOutput } from './register.ts';
import type { Operation } from './wgl.ts';

const LINE = /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*)$/;

interface Open {
  readonly input: RegisterInput;
  readonly calledAt: number;
}

/** Line numbers are instants. What never returned, or timed out, has an unknown outcome. */
export function readJepsenLog(text: string): Operation<RegisterInput, RegisterOutput>[] {
  const done: Operation<RegisterInput, RegisterOutput>[] = [];
  const open = new Map<string, Open>();
  for (const [at, line] of text.split('\n').entries()) {
    const [, process, type, op, value] = LINE.exec(line) ?? [];
    if (process === undefined || value === undefined) continue;
    if (type === 'invoke') {
      open.set(process, { input: inputOf(op!, value), calledAt: at });
      continue;
    }
    const begun = open.get(process);
    open.delete(process);
    if (!begun) throw new Error(`line ${at + 1}: nothing of process ${process} is open`);
    const output = outputOf(type!, op!, value);
    done.push({ ...begun, output, returnedAt: output && at });
  }
  for (const begun of open.values()) done.push({ ...begun, output: undefined, returnedAt: undefined });
  return done.sort((a, b) => a.calledAt - b.calledAt);
}

function inputOf(op: string, value: string): RegisterInput {
  if (op === 'read') return { op };
  if (op === 'write') return { op, value: Number(value) };
  const [from = 0, to = 0] = value.slice(1, -1).split(' ').map(Number);
  return { op: 'cas', from, to };
}

/** A compare-and-set that failed found another value; anything else that failed or was not told is unknown. */
function outputOf(type: string, op: string, value: string): RegisterOutput | undefined {
  if (op === 'cas' && type === 'fail') return value.includes(':timed-out') ? undefined : { done: false };
  if (type !== 'ok') return undefined;
  if (op === 'read') return { value: value === 'nil' ? null : Number(value) };
  return op === 'cas' ? { done: true } : {};
}

/**
 * The way down: each step is taken, whatever became of the one before, and none for longer than its time. A store that never answers must
 * keep neither a lock nor a process for ever.
 *
 * @module
 */

export interface Step {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * @param stepMs - milliseconds for each step.
 * @throws AggregateError of what failed or did not end, once all steps have been taken.
 */
export async function takeSteps(steps: readonly Step[], stepMs: number): Promise<void> {
  const failures: unknown[] = [];
  for (const { name, run } of steps) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} did not end within ${stepMs} ms`)), stepMs);
    });
    try {
      await Promise.race([run(), late]);
    } catch (error) {
      failures.push(error);
    } finally {
      clearTimeout(timer);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the shutdown is not complete');
}

import { test } from 'node:test';
import { runsOf } from './scenarios-here.ts';

for (const { title, run } of runsOf('clusters')) test(title, run);

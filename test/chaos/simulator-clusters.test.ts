import { testScenarios } from './scenarios-here.ts';

testScenarios('clusters');

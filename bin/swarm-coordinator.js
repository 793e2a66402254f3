#!/usr/bin/env node
import { coordinatorMain } from '../dist/commands/coordinator-program.js';

process.exitCode = await coordinatorMain(process.argv);

#!/usr/bin/env node
import { agentMain } from '../dist/commands/agent-program.js';

process.exitCode = await agentMain(process.argv);

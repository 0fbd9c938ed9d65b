#!/usr/bin/env node
// Runs the command with the Node that the repository brings along.
process.argv.splice(2, 0, 'realchat');
await import('../../tools/bootstrap.mjs');

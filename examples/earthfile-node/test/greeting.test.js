'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { greeting } = require('../lib/greeting');

test('greets by name', () => {
  assert.strictEqual(greeting('Ada'), 'Hello, Ada, from Node.js in an image built by Loam');
});

test('greets the world', () => {
  assert.strictEqual(greeting(), 'Hello, world, from Node.js in an image built by Loam');
});

'use strict';

function greeting(name) {
  return `Hello, ${name || 'world'}, from Node.js in an image built by Loam`;
}

module.exports = { greeting };

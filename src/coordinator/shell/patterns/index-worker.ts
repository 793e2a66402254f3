import { parentPort } from 'node:worker_threads';
import { SHAPE_DIMENSIONS } from '../../../reasoning/patterns/shape.js';
import type { IndexAnswer, IndexQuestion } from './index-thread.js';
import { answerCalls } from './thread-calls.js';
import { makeIndex } from './usearch-index.js';

/** The thread of the built-in index. */

if (parentPort === null) throw new Error('this file runs in a worker thread');
const made = makeIndex(SHAPE_DIMENSIONS);

answerCalls<IndexQuestion, IndexAnswer>(parentPort, async (question) => {
  const { index, problem } = await made;
  switch (question.ask) {
    case 'set':
      for (const { id, vector } of question.entries) index.set(id, vector);
      return { ids: [], problem };
    case 'delete':
      for (const id of question.ids) index.delete(id);
      return { ids: [], problem };
    case 'search':
      return { ids: index.search(question.vector, question.count).map(({ id }) => id), problem };
  }
});

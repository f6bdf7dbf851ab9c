/** What methods of Sequelize's models and rows, and of lists of rows, give or hand on, by their names. */

/** Methods of a class that give rows of it, alone, in a list, or first in one. */
export const GIVES_ROWS =
  /^(findAll|findOne|findByPk|findById|findAndCountAll|findAndCount|findOrCreate|findOrBuild|findCreateFind|findOrInitialize|create|bulkCreate|build|bulkBuild|upsert)$/;
/** Those of them that give a row and something else in a list. */
export const GIVES_PAIR = /^(findOrCreate|findOrBuild|findCreateFind|findOrInitialize|upsert)$/;
/** Methods of a row that give the row. */
export const GIVES_SELF =
  /^(save|update|reload|increment|decrement|restore|set|setAttributes|updateAttributes)$/;
/** Methods of a list that give one or some of its rows. */
export const OF_LIST =
  /^(find|findLast|filter|at|pop|shift|slice|sort|reverse|toReversed|toSorted|concat|splice|values)$/;
/** Methods that hand each row of a list to a function. */
export const EACH =
  /^(map|forEach|filter|find|findLast|findIndex|some|every|flatMap|each|mapSeries|then|tap|sort|toSorted)$/;
/** Functions that hand each item of their first argument to a function. */
export const EACH_OF =
  /^(map|forEach|each|eachSeries|mapSeries|mapLimit|filter|pMap|pEach|mapAsync|forEachAsync)$/;

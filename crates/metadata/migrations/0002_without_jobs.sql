-- Nothing ever came to use it.
DROP TABLE jobs;

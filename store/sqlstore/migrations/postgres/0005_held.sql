-- Number held for a migration of another branch; this file goes when that one comes.
SELECT 1;

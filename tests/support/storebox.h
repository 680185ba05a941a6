/* storebox - a store in a directory of its own, and what tests of it do again and again. */
#ifndef STOREBOX_H
#define STOREBOX_H

#include "engine/store_part.h"
#include "tempdir.h"

extern struct tempdir box_dir;
extern struct store box; /* <tempdir>/var/root and <tempdir>/run */
extern struct mtd_error box_err;

/* TestSuite(NAME, .init = box_setup, .fini = box_teardown) */
void box_setup(void);
void box_teardown(void);

/* All clear box_err first and return what the store does. */
int box_create_record(const char *name, struct mtd_record *r);
int box_create(const char *name, char ret_id[MTD_ID_SIZE]); /* ret_id may be NULL */
int box_remove(const char *id);                             /* with the lock */
int box_rename(const char *id, const char *name);           /* with the lock */
int box_resolve(const char *ref, char id[MTD_ID_SIZE]);
bool box_resolves_to(const char *ref, const char *id);
void box_list(struct mtd_list *l);
/* Entries in containers/ and names/; none in trash/. */
void box_expect_counts(int containers, int names);

#endif

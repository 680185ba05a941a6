/* storebox - a store in a temporary directory, and the steps that its tests share. */
#ifndef STOREBOX_H
#define STOREBOX_H

#include "engine/store/internal.h"
#include "tempdir.h"

extern struct tempdir storebox_dir;
extern struct store storebox; /* <tempdir>/var/root and <tempdir>/run */
extern struct mtd_error storebox_err;

/* TestSuite(NAME, .init = storebox_setup, .fini = storebox_teardown) */
void storebox_setup(void);
void storebox_teardown(void);

/* All clear storebox_err first and return what the store does. */
int storebox_create_record(const char *name, struct mtd_record *r);
int storebox_create(const char *name, char ret_id[MTD_ID_SIZE]); /* ret_id may be NULL */
int storebox_remove(const char *id);                             /* with the lock */
int storebox_rename(const char *id, const char *name);           /* with the lock */
int storebox_save(const struct mtd_record *r);                   /* holds the lock */
int storebox_resolve(const char *ref, char id[MTD_ID_SIZE]);
bool storebox_resolves_to(const char *ref, const char *id);
void storebox_list(struct mtd_list *l);
/* Entries in containers/ and names/; none in trash/. */
void storebox_expect_counts(int containers, int names);

#endif

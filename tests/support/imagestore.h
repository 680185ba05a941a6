/* imagestore - an image store in a temporary directory, for one test at a time. */
#ifndef IMAGESTORE_H
#define IMAGESTORE_H

#include "engine/image/image.h"
#include "tempdir.h"

extern struct tempdir imagestore_dir;
extern struct image_store imagestore;

void imagestore_start(void);
void imagestore_end(void);

void imagestore_write(const char *path, const void *data, size_t len);
/* <root>/image/NAME.tar with one file. */
void imagestore_drop_tar(const char *name, const char *file, const char *content);
/* An image with one file "f"; the caller frees the id. */
char *imagestore_import(const char *content, const char *name);
/* Fails the test unless it is found. */
struct mtd_image imagestore_find(const char *ref);
/* Fails the test unless finding fails like that. */
void imagestore_expect_none(const char *ref, int code, const char *text);
/* What a file of the image's top layer holds. */
void imagestore_expect_content(const struct mtd_image *i, const char *file,
                               const char *content);

#endif

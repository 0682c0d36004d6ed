/* The settings that a host gives to a plugin: "key=value", …, NULL. */
#ifndef TOCSIN_PLUGIN_SETTINGS_H
#define TOCSIN_PLUGIN_SETTINGS_H

/* settings NULL: none, and *ret_copy is NULL. 0; -EINVAL: a setting has no key or no '=';
   -ENOMEM. */
int tocsin__settings_copy(const char *const *settings, char ***ret_copy);
void tocsin__settings_free(char **settings); /* NULL is allowed */

#endif
